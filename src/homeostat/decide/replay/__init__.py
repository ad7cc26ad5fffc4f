"""What would have paid: policies led through a recorded stretch of time, each with its costs, beside the best possible.

`replay.replay` is the door. It is given a `History`, which says how right every model that could have been trained
would have been at every later step, so that a policy is judged by arithmetic and not by guesses. Pure.
"""
