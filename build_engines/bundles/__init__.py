"""Bundles as folders: written whole or not at all, given speakers, looked into. Graphs come in, a bundle goes out."""
