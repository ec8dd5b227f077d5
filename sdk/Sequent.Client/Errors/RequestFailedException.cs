namespace Sequent.Client;

/// <summary>The bus answered a request with an error that trying again does not mend. The request had no effect.</summary>
public sealed class RequestFailedException : SequentException
{
    /// <summary>The code of what the protocol of an original bus cannot carry, which the SDK finds out by itself; the message names the feature.</summary>
    public const string NotSupported = "not_supported";

    /// <summary>Creates the exception.</summary>
    public RequestFailedException(string code, string message, string? path = null)
        : base($"{message} ({code}{(path is null ? "" : $", {path}")})") => (Code, Path) = (code, path);

    /// <summary>One of <see cref="Sequent.Protocol.ErrorCodes"/>, or <see cref="NotSupported"/>.</summary>
    public string Code { get; }

    /// <summary>The JSON path of the fault in the message that was sent, or null.</summary>
    public string? Path { get; }
}
