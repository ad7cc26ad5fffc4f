"""Classical detectors on one stream of numbers, one per file: a second opinion beside the e-detector, in small memory.

None of them bounds how often it alarms falsely whatever the numbers are distributed as; what each does promise stands
in its file.
"""
