"""What a bundle asks of a board, before there is one: a bundle's graphs go in, a roofline with its sources comes out.

Nothing here runs a graph or needs torch: shapes are inferred at stated sizes, products and bytes counted, and set
against the peaks of a board's data sheet. Everything is a prediction and says so.
"""
