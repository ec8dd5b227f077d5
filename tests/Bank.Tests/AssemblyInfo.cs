// Every fixture has a bank of its own, and most of a test is waiting.
[assembly: Parallelizable(ParallelScope.Fixtures)]
