"""What a design may say, its checks, its blocks and its picture."""
