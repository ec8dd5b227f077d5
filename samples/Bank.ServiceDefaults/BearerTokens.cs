using System.Globalization;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Bank.ServiceDefaults;

/// <summary>Who stands behind a token. The answer of <c>POST /sessions/validate</c>.</summary>
public sealed record SessionInfo(bool Valid, string? Username = null, IReadOnlyList<long>? Accounts = null, int? ExpiresIn = null)
{
    public static SessionInfo Invalid { get; } = new(false);
}

/// <summary>Tells who stands behind a token: Users looks it up, the other services ask Users.</summary>
public interface ISessionSource
{
    Task<SessionInfo> ValidateAsync(string token, CancellationToken cancellationToken);
}

public sealed class BearerTokenOptions : AuthenticationSchemeOptions;

/// <summary>Signs a request in by its bearer token. Nothing is cached: a session ended is ended everywhere, at once.</summary>
public sealed class BearerTokens(IOptionsMonitor<BearerTokenOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ISessionSource sessions)
    : AuthenticationHandler<BearerTokenOptions>(options, loggers, encoder)
{
    public new const string Scheme = "Bearer";

    private const string AccountClaim = "account";

    /// <summary>The token of a request, or null.</summary>
    public static string? TokenOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is { } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header[7..].Trim() : null;

    /// <summary>The accounts of a signed-in user, as Users knew them when the request came.</summary>
    public static IEnumerable<long> AccountsOf(ClaimsPrincipal user) =>
        user.FindAll(AccountClaim).Select(claim => long.Parse(claim.Value, CultureInfo.InvariantCulture));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (TokenOf(Request) is not { Length: > 0 } token)
            return AuthenticateResult.NoResult();
        var session = await sessions.ValidateAsync(token, Context.RequestAborted);
        if (!session.Valid)
            return AuthenticateResult.Fail("The token is not valid.");

        var claims = (session.Accounts ?? []).Select(id => new Claim(AccountClaim, id.ToString(CultureInfo.InvariantCulture)))
            .Append(new Claim(ClaimTypes.Name, session.Username!));
        var user = new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme));
        return AuthenticateResult.Success(new AuthenticationTicket(user, Scheme));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = Scheme;
        return base.HandleChallengeAsync(properties);
    }
}
