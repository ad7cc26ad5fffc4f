"""The words of the house, one noun per file: frozen dataclasses with no I/O and no third party.

A noun enters only when two rooms need it. Ids are strings that begin with the noun's own letters; they carry the moment
at which they were made (`ids.new`) or follow from what they stand for (`ids.derived`). Times are seconds since 1970 in
UTC (`float`), because a stream replayed a year at a time has to sort too.
"""
