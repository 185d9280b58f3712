"""The campaign of hostile and broken inputs: `python -m fuzz` runs it whole, the tests of `make test` a part of it.

An input is made from its number alone, so that each can be had again. Whatever is accepted is compared with what an
independent reader finds in it; whatever is refused must be refused in one line.
"""
