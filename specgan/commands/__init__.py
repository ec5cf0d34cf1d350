"""The commands of `specgan`, a file each. Imports stand inside the functions, so that each loads only what it needs."""
