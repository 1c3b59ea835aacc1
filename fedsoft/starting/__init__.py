"""A first study of one's own data: a commented study file that fits them."""
