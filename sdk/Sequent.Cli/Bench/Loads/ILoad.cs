namespace Sequent.Cli.Bench.Loads;

/// <summary>Something a bus can be made to do, again and again.</summary>
internal interface ILoad : IAsyncDisposable
{
    /// <summary>Everything that is not measured: connections, what is read later.</summary>
    Task PrepareAsync(Uri bus, CancellationToken cancellationToken);

    /// <summary>Runs until it is stopped, and ends what is under way.</summary>
    Task RunAsync(Meter meter, CancellationToken stop);
}

/// <summary>How events get on the wire.</summary>
internal enum Wire
{
    /// <summary>Through <c>Sequent.Client</c>.</summary>
    Sdk,

    /// <summary>By hand, in the protocol of the original bus.</summary>
    V1,

    /// <summary>By hand, in Sequent's own protocol.</summary>
    V2,
}
