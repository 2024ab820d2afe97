"""What every stage agrees on: vocabulary, columns, designs, stimulus sets and condition tables."""
