namespace Sequent.Protocol;

/// <summary>A message that does not follow the protocol. It has no effect at all; the session stays open.</summary>
public sealed class ProtocolException : Exception
{
    /// <summary>Creates the fault.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">What is wrong and what would be right, for a person.</param>
    /// <param name="path">The JSON path of the fault, or null if it is the message as a whole.</param>
    public ProtocolException(string code, string message, string? path = null)
        : base(message)
    {
        Code = code;
        Path = path;
    }

    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>The JSON path of the fault, or null.</summary>
    public string? Path { get; }

    /// <summary>The <c>request_id</c> of the faulty message, if it had a readable one.</summary>
    public string? RequestId { get; init; }
}
