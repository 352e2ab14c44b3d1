"""The pages, one router a part of the house."""
