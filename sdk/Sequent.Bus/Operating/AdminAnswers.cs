using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sequent.Bus.Delivering;

namespace Sequent.Bus.Operating;

/// <summary>How a client type is doing, against the log.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Status">As its queue sees it; null after a defect.</param>
/// <param name="Head">The last position of the log.</param>
/// <param name="DeadLetters">How many dead letters it has.</param>
internal sealed record ClientTypeView(string Name, ClientTypeStatus? Status, long Head, long DeadLetters)
{
    /// <summary>Events that were not looked at yet.</summary>
    public long? Behind => Head - Status?.Cursor;

    /// <summary>A defect stopped its deliveries until the bus is started anew.</summary>
    public bool IsDefect { get; init; }
}

/// <summary>A session, and what it holds.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Sender">Its address.</param>
/// <param name="Protocol">v1 or v2.</param>
/// <param name="ClientType">The client type it takes part in, or null.</param>
/// <param name="Instance">What it is there, or null.</param>
internal sealed record SessionView(string Id, string Sender, string Protocol, string? ClientType, InstanceStatus? Instance);

/// <summary>A dead letter.</summary>
/// <param name="Position">The event.</param>
/// <param name="Reason">Why it was given up.</param>
/// <param name="Attempts">How often it failed.</param>
/// <param name="Time">When it was given up, UTC.</param>
/// <param name="Event">The event as v2 sends it; null in a list.</param>
internal sealed record DeadLetterView(long Position, string Reason, int Attempts, DateTimeOffset Time, JsonElement? Event);

/// <summary>Why a request had no effect.</summary>
/// <param name="Error">In words.</param>
internal sealed record AdminFault(string Error);

/// <summary>What was done.</summary>
/// <param name="Done">In words.</param>
internal sealed record AdminDone(string Done);

/// <summary>What can be asked.</summary>
/// <param name="Requests">Each with its parameters.</param>
internal sealed record AdminRoutes(IReadOnlyList<string> Requests);

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(IReadOnlyList<ClientTypeView>))]
[JsonSerializable(typeof(IReadOnlyList<SessionView>))]
[JsonSerializable(typeof(IReadOnlyList<HeldEvent>))]
[JsonSerializable(typeof(IReadOnlyList<DeadLetterView>))]
[JsonSerializable(typeof(KeyStatus))]
[JsonSerializable(typeof(AdminFault))]
[JsonSerializable(typeof(AdminDone))]
[JsonSerializable(typeof(AdminRoutes))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>For people at a terminal: quotes and names stay readable. Nothing of it is ever shown inside a page.</summary>
    public static AdminJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 256,
        WriteIndented = true,
    });
}
