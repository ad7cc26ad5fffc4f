"""Tells people: what is worth an alert, when one is told again, and how it reaches them although receivers fail"""
