"""Benchmarks behind `course bench`: each module is one, runs by itself, and stores what it measured."""
