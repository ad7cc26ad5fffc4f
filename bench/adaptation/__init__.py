"""What bar loop.2 is measured with: streams and their turns, a lab that trains and remembers, arms, figures."""
