namespace Sequent.Client;

/// <summary>The root of everything this SDK throws about the bus. Mistakes in its use are ArgumentException, InvalidOperationException and OptionsValidationException.</summary>
public abstract class SequentException : Exception
{
    private protected SequentException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
