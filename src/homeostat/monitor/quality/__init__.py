"""How good replies are, where few are labeled: from labels, from confidence that labels have calibrated, from both.

`course.course` is the door. What confidence says presumes that a reply of a given confidence is right as often as it
was; where labels contradict that, nothing is estimated from it.
"""
