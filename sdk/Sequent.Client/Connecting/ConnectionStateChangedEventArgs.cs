namespace Sequent.Client;

/// <summary>The connection of a client has changed.</summary>
/// <param name="previous">What it was.</param>
/// <param name="state">What it is now.</param>
/// <param name="bus">The bus it is connected to; null unless <paramref name="state"/> is <see cref="ConnectionState.Connected"/>.</param>
public sealed class ConnectionStateChangedEventArgs(ConnectionState previous, ConnectionState state, BusInfo? bus) : EventArgs
{
    /// <summary>What it was.</summary>
    public ConnectionState Previous { get; } = previous;

    /// <summary>What it is now.</summary>
    public ConnectionState State { get; } = state;

    /// <summary>The bus it is connected to; null unless <see cref="State"/> is <see cref="ConnectionState.Connected"/>.</summary>
    public BusInfo? Bus { get; } = bus;
}
