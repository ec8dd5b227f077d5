// Each fixture has a bank of its own, but they share one browser and two cores: what is seen in time is better seen alone.
[assembly: NonParallelizable]
