"""What is done with packs beside using them: told, tried on their examples, begun."""
