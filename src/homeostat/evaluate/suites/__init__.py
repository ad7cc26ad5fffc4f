"""Suites: requests that every candidate is asked, what counts as a right reply, and how the requests are disturbed."""
