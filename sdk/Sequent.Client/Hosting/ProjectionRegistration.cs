namespace Sequent.Client.Hosting;

/// <summary>A projection.</summary>
/// <param name="Projection">Its type.</param>
/// <param name="Create">Gets it from the services.</param>
/// <param name="Progress">How far it is.</param>
internal sealed record ProjectionRegistration(Type Projection, Func<IServiceProvider, IProjection> Create, ProjectionProgress Progress);
