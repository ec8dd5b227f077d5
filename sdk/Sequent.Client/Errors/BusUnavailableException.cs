namespace Sequent.Client;

/// <summary>The bus could not be reached before <see cref="SequentOptions.PublishTimeout"/> or the end of the client; nothing was sent.</summary>
public sealed class BusUnavailableException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public BusUnavailableException(string message)
        : base(message)
    {
    }
}
