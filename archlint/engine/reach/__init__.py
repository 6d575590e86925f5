"""Which positions of the input each position of a tensor depends on."""
