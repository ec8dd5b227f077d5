namespace Sequent.Client;

/// <summary>The bus answered a request with an error that trying again does not mend. The request had no effect.</summary>
public sealed class RequestFailedException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public RequestFailedException(string code, string message, string? path = null)
        : base($"{message} ({code}{(path is null ? "" : $", {path}")})") => (Code, Path) = (code, path);

    /// <summary>One of <see cref="Sequent.Protocol.ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>The JSON path of the fault in the message that was sent, or null.</summary>
    public string? Path { get; }
}
