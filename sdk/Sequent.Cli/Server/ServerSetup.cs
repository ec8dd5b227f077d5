using Sequent.Bus;

namespace Sequent.Cli.Server;

/// <summary>What a server was told, from wherever.</summary>
internal sealed class ServerSetup
{
    public BindAddress Bind { get; set; } = BindAddress.Default;

    public LogLevel LogLevel { get; set; } = LogLevel.Information;

    public SequentBusOptions Bus { get; private init; } = new();

    public bool LogsJson { get; set; }

    /// <summary>Where to send traces and metrics; null: nowhere.</summary>
    public Uri? Otlp { get; set; }

    /// <summary>What it was told, in order, and by whom: enough to tell another one the same.</summary>
    public List<(Setting Setting, string Source, string Value)> Told { get; } = [];

    /// <summary>Tells options of the bus what this was told.</summary>
    public void Configure(SequentBusOptions options)
    {
        var other = new ServerSetup { Bus = options };
        foreach (var (setting, _, value) in Told)
            setting.Apply(other, value);
    }

    /// <summary>A fault of an option of the bus, with the place that set it.</summary>
    public string Explain(string fault)
    {
        var source = Told.FindLast(t => fault.StartsWith($"{t.Setting.Key} ", StringComparison.Ordinal) || fault.StartsWith($"{t.Setting.Key}s ", StringComparison.Ordinal)).Source;
        return source is null ? fault : $"{source}: {fault}";
    }
}
