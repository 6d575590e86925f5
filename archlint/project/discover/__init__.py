"""Finds the models of a project in its source. No code of the project runs."""
