"""How good replies are: pure functions on sequences and arrays, without a model, a store or a clock.

Every function takes plain values of equal length and refuses (`ValueError`) what has no answer, such as the accuracy of
no rows. A mean leaves here bare; `homeostat.stats` gives it its interval.
"""
