"""The packs that come with archlint, as data: nothing here is imported to find them."""
