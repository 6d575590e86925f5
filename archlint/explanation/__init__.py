"""Why a model accepts what it accepts: layers, weights, and the sets without them."""
