using System.Security.Claims;
using Bank.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bank.Users;

internal static class UsersEndpoints
{
    public static void MapUsers(this IEndpointRouteBuilder app)
    {
        app.MapPost("/register", RegisterAsync).ProducesProblem(StatusCodes.Status409Conflict);
        app.MapPost("/login", LogInAsync).ProducesProblem(StatusCodes.Status401Unauthorized);
        app.MapPost("/sessions/validate", ValidateAsync);

        var mine = app.MapGroup("").RequireAuthorization().ProducesProblem(StatusCodes.Status401Unauthorized);
        mine.MapPost("/logout", LogOutAsync);
        mine.MapGet("/users/me", Me);
        mine.MapPost("/users/me/accounts", RequestAccountAsync).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        mine.MapGet("/users/me/accounts/requests/{request_id:guid}", RequestStatusAsync).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created, ValidationProblem, ProblemHttpResult>> RegisterAsync(
        NameAndPassword body, Credentials credentials, CancellationToken cancellationToken)
    {
        if (!Credentials.IsUsername(body.Username))
            return Problems.Field("username", Credentials.UsernameRule);
        if (!Credentials.IsPassword(body.Password))
            return Problems.Field("password", Credentials.PasswordRule);
        return await credentials.RegisterAsync(body.Username!, body.Password!, cancellationToken)
            ? TypedResults.Created()
            : TypedResults.Problem("This name is taken.", statusCode: StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Ok<LoggedIn>, ProblemHttpResult>> LogInAsync(
        NameAndPassword body, Credentials credentials, Sessions sessions, CancellationToken cancellationToken)
    {
        if (!Credentials.IsUsername(body.Username) || !Credentials.IsPassword(body.Password)
            || !await credentials.AreRightAsync(body.Username!, body.Password!, cancellationToken))
            return TypedResults.Problem("Name or password is wrong.", statusCode: StatusCodes.Status401Unauthorized);
        var token = await sessions.OpenAsync(body.Username!, cancellationToken);
        return TypedResults.Ok(new LoggedIn(token, (int)Sessions.Lifetime.TotalSeconds));
    }

    private static async Task<NoContent> LogOutAsync(HttpRequest request, Sessions sessions, CancellationToken cancellationToken)
    {
        await sessions.CloseAsync(BearerTokens.TokenOf(request)!, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<SessionInfo>> ValidateAsync(TokenBody body, Sessions sessions, CancellationToken cancellationToken) =>
        TypedResults.Ok(await sessions.ValidateAsync(body.Token ?? "", cancellationToken));

    private static Ok<Customer> Me(ClaimsPrincipal user) =>
        TypedResults.Ok(new Customer(user.Identity!.Name!, [.. BearerTokens.AccountsOf(user)]));

    private static async Task<Accepted<RequestState>> RequestAccountAsync(ClaimsPrincipal user, AccountRequests requests, CancellationToken cancellationToken)
    {
        var request = await requests.OpenAsync(user.Identity!.Name!, cancellationToken);
        return TypedResults.Accepted($"/users/me/accounts/requests/{request.RequestId}", RequestState.Of(request));
    }

    private static async Task<Results<Ok<RequestState>, ProblemHttpResult>> RequestStatusAsync(
        [Microsoft.AspNetCore.Mvc.FromRoute(Name = "request_id")] Guid requestId, ClaimsPrincipal user, UsersDb db, CancellationToken cancellationToken)
    {
        var username = user.Identity!.Name;
        var request = await db.AccountRequests.SingleOrDefaultAsync(row => row.RequestId == requestId && row.Username == username, cancellationToken);
        return request is null ? Problems.Unknown("request") : TypedResults.Ok(RequestState.Of(request));
    }

    private sealed record NameAndPassword(string? Username, string? Password);

    private sealed record TokenBody(string? Token);

    private sealed record LoggedIn(string Token, int ExpiresIn);

    private sealed record Customer(string Username, IReadOnlyList<long> Accounts);

    private sealed record RequestState(Guid RequestId, string Status, long? AccountId)
    {
        public static RequestState Of(AccountRequest request) =>
            new(request.RequestId, request.AccountId is null ? "pending" : "created", request.AccountId);
    }
}
