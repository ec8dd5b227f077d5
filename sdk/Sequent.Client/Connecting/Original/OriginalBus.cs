using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>What is known of a bus that speaks the original protocol only: it says nothing about itself.</summary>
internal static class OriginalBus
{
    /// <summary>It has no log ids: this stands for none.</summary>
    public const string LogId = "";

    /// <summary>The original bus has no limits; these are the defaults of Sequent, which may stand in its place and would ignore what is larger.</summary>
    public static readonly BusLimits Limits = new(MessageBytes: 1024 * 1024, EventsPerMessage: 100, QueryPage: int.MaxValue, KeyBytes: 512, EventTypeBytes: 256);

    public const string UnknownTypesHint = "An original bus is asked only for event types this program knows: add those of the key to options.Events.";

    /// <summary>The translator's own word to the publisher: there will be no receipt, and nobody knows whether anything was stored.</summary>
    public const string NoReceipt = "no_receipt";

    public static HelloMessage Hello() => new("original", LogId, Guid.NewGuid().ToString("N")[..8], 0, Limits, 0);

    /// <summary>The same as an exception.</summary>
    public static RequestFailedException Refusal(string feature)
    {
        var error = CannotDo(feature, null);
        return new RequestFailedException(error.Code, error.Message);
    }

    /// <summary>The answer to what its protocol cannot carry.</summary>
    public static ErrorMessage CannotDo(string feature, string? requestId) =>
        new(RequestFailedException.NotSupported, $"{feature} needs a bus that speaks {WireNames.Subprotocol}; this one speaks the original protocol only.") { RequestId = requestId };
}
