"""The real model at chosen sizes."""
