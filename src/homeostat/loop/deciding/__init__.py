"""What a turn may do, what each way would bring, and which is taken."""
