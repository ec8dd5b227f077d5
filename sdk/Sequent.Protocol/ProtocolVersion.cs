namespace Sequent.Protocol;

/// <summary>Which of the two protocols a session speaks. It is fixed by the WebSocket handshake.</summary>
public enum ProtocolVersion
{
    /// <summary>The original protocol: the client offered no subprotocol.</summary>
    V1 = 1,

    /// <summary>The protocol with everything Sequent adds: the client offered <see cref="WireNames.Subprotocol"/>.</summary>
    V2 = 2,
}
