"""What a file is once read: frames, time stamps, colour, sound."""
