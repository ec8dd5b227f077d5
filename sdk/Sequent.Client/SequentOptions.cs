using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Sequent.Client;

/// <summary>How a client works. Checked once, when the client is created or the host starts; do not change it after that.</summary>
public sealed class SequentOptions
{
    /// <summary>The address of the bus, <c>ws://</c> or <c>wss://</c>. Default: <c>ws://localhost:8081</c>.</summary>
    public Uri Server { get; set; } = new("ws://localhost:8081");

    /// <summary>The name of this service. Required when there are handlers.</summary>
    public string? ClientType { get; set; }

    /// <summary>A name of this running copy, for people. Default: machine name and process id.</summary>
    public string? Instance { get; set; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>Where the client type starts when the bus sees it for the first time. Required when there are handlers.</summary>
    public Start? Start { get; set; }

    /// <summary>The event types this program knows.</summary>
    public EventCatalog Events { get; } = new();

    /// <summary>
    /// How data is turned into JSON and back. Without a resolver types are read by reflection; trimmed and ahead-of-time compiled programs
    /// have to give a source-generated one. Default: the defaults of System.Text.Json.
    /// </summary>
    public JsonSerializerOptions Json { get; set; } = new();

    /// <summary>How long a unit runs again after conflicts. Default: 30 s.</summary>
    public TimeSpan UnitTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest pause between two attempts to connect. Default: 10 s.</summary>
    public TimeSpan ReconnectDelayMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a publish may wait for its receipt. Default: null, until its caller cancels.</summary>
    public TimeSpan? PublishTimeout { get; set; }

    /// <summary>How many publishes and units may wait for their receipt; further ones wait their turn. 1..65536, default: 256.</summary>
    public int MaxInFlight { get; set; } = 256;

    /// <summary>How many keys handlers work on at once. 1..65536, default: 64.</summary>
    public int MaxParallelKeys { get; set; } = 64;

    /// <summary>How long one run of a handler may take before it counts as failed. Default: 5 min.</summary>
    public TimeSpan HandlerTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many folds are kept so that their events need not be read again. 0 keeps none. Default: 10,000.</summary>
    public int FoldCacheSize { get; set; } = 10_000;

    /// <summary>The clock of every delay and timeout. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where to log. Default: null, nowhere; in a host its own.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }
}
