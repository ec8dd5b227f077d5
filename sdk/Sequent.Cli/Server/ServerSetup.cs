using Sequent.Bus;

namespace Sequent.Cli.Server;

/// <summary>What a server was told, from wherever.</summary>
internal sealed class ServerSetup
{
    public BindAddress Bind { get; set; } = BindAddress.Default;

    public LogLevel LogLevel { get; set; } = LogLevel.Information;

    public SequentBusOptions Bus { get; private init; } = new();

    /// <summary>What it was told, in order: enough to tell another one the same.</summary>
    public List<(Setting Setting, string Value)> Told { get; } = [];

    /// <summary>Tells options of the bus what this was told.</summary>
    public void Configure(SequentBusOptions options)
    {
        var other = new ServerSetup { Bus = options };
        foreach (var (setting, value) in Told)
            setting.Apply(other, value);
    }
}
