"""What a contract is: the nouns, settings, plugins, and their reading from rule files."""
