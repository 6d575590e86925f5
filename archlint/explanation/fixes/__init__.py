"""Fixes of broken contracts: each is applied to a copy of the model, proved and run."""
