"""What people and judges say of replies, and what of it is doubted."""
