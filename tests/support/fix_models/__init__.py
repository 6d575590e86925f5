"""Small models with broken contracts, and what tries each fix that is printed for them."""
