"""When a decision is due: triggers that look at a `Sight` and say where they stand. All of it is pure.

The same triggers are asked in the worker, by `homeostat decide`, and in a backtest.
"""
