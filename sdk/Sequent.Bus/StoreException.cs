namespace Sequent.Bus;

/// <summary>The store cannot do what it was asked to. The message is one line for an operator: what failed and the remedy.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Creates the fault.</summary>
    public StoreException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
