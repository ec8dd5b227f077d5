namespace Sequent.Client;

/// <summary>Whether a client has a session with its bus.</summary>
public enum ConnectionState
{
    /// <summary>Nothing was asked of the client yet, so it has not connected.</summary>
    Idle,

    /// <summary>It is connecting for the first time, or again. It never gives up.</summary>
    Connecting,

    /// <summary>It has a session.</summary>
    Connected,

    /// <summary>It was disposed.</summary>
    Closed,
}
