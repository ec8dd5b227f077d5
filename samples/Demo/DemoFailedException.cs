namespace Demo;

/// <summary>A step did not do what it should, or a balance is wrong.</summary>
public sealed class DemoFailedException(string message) : Exception(message);
