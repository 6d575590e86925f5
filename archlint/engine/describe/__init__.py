"""Describes a set of sizes by the shortest exact phrase."""
