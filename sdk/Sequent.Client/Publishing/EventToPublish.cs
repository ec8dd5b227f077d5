namespace Sequent.Client;

/// <summary>One of several events to publish.</summary>
/// <param name="Data">The event's data; its type gives the event's name.</param>
/// <param name="Sequence">The key, and perhaps the value it must take.</param>
public sealed record EventToPublish(object Data, Sequence Sequence)
{
    /// <summary>Id, correlation and trace, if they matter.</summary>
    public PublishOptions? Options { get; init; }
}
