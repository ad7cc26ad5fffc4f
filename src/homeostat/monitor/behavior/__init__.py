"""What a version does that it should not: behaviors of replies, their rates live, and how two versions differ."""
