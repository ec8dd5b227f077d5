namespace Sequent.Client.Telemetry;

/// <summary>Names of attributes: those of OpenTelemetry's conventions for messaging, and Sequent's own. Data of events is never among them.</summary>
internal static class Tags
{
    public const string System = "messaging.system";
    public const string SystemName = "sequent";
    public const string OperationName = "messaging.operation.name";
    public const string OperationType = "messaging.operation.type";

    /// <summary>The event type: few, as a destination should be.</summary>
    public const string Destination = "messaging.destination.name";
    public const string ClientType = "messaging.consumer.group.name";
    public const string MessageId = "messaging.message.id";
    public const string BatchCount = "messaging.batch.message_count";
    public const string ServerAddress = "server.address";
    public const string ServerPort = "server.port";

    /// <summary>The type of an exception, or a reason of the bus.</summary>
    public const string Error = "error.type";
    public const string Key = "sequent.key";
    public const string Value = "sequent.value";
    public const string Position = "sequent.position";
    public const string Attempt = "sequent.attempt";
    public const string Status = "sequent.status";
    public const string Projection = "sequent.projection";
}
